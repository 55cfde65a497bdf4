# imports a package, its modules, a package in it, relative imports
import package
import package.sub.deep as deep
from package import inner
from package.inner import work as working

print(package.NAME, inner.work(2), working(0), deep.reach())
