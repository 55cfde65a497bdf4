"""What is to be kept when this process ends otherwise than by coming to its end:
by SIGTERM, by `os._exit()`, or by becoming another program.
"""

from __future__ import annotations

import os

from exactrace import _native

TYPE_CHECKING = False  # without the cost of importing typing
if TYPE_CHECKING:
    from typing import Protocol

    class Keeper(Protocol):
        """What has something to keep."""

        def keep(self) -> None:
            """Keep it now: nothing else will run."""

        def go_on(self) -> None:
            """Take back that this process is about to end."""


class Ending:
    """What is to be done before this process ends. As a context: what it must not
    be cut short in.
    """

    def __init__(self) -> None:
        self.keepers: list[Keeper] = []  # one, or more within each other
        self._depth = 0
        self._terminated = False
        self._watches_forks = False

    def add(self, keeper: Keeper) -> None:
        """Have that one keep what it has, before those that were added earlier."""
        if not self.keepers:
            # What we do then is not the program's.
            _native.before_leaving(
                _native.untraced(self._keep_all), _native.untraced(self._go_on)
            )
            _native.before_sigterm(_native.untraced(self._terminate))
        if not self._watches_forks:
            self._watches_forks = True
            os.register_at_fork(after_in_child=_native.renew_sigterm)
        self.keepers.insert(0, keeper)

    def remove(self, keeper: Keeper) -> None:
        """Have it keep nothing any more."""
        if keeper in self.keepers:
            self.keepers.remove(keeper)

    def _keep_all(self) -> None:
        for keeper in self.keepers.copy():
            if keeper in self.keepers:  # another may have taken it out
                keeper.keep()

    def _go_on(self) -> None:
        for keeper in self.keepers.copy():
            keeper.go_on()

    def _terminate(self, *_signal: object) -> None:
        """Keep what there is, and end as if we had not been there."""
        self._terminated = True
        if self._depth == 0:
            self._terminated = False
            _native.leave()
            _native.end_by_sigterm()

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_error: object) -> None:
        self._depth -= 1
        if self._terminated:
            self._terminate()


ending = Ending()
