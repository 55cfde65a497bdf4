# prints into something else than the standard output for a while
import contextlib
import io

print("before")
target = io.StringIO()
with contextlib.redirect_stdout(target):
    print("captured")
    x = 1
text = target.getvalue()
print(len(text) > 8, "captured\n" in text, x)
