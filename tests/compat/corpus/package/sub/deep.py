from .. import NAME, inner


def reach():
    return NAME, inner.work(1)
