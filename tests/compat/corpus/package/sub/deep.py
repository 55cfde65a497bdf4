from ...package import NAME
from .. import inner


def reach():
    return NAME, inner.work(1)
