# SPDX-License-Identifier: Apache-2.0
"""Objects: a small operating system whose tasks pass packets round."""

from __future__ import annotations

from _scale import scaled


class Packet:
    """A message on its way through a list of tasks."""

    def __init__(self, serial: int, route: list[str]) -> None:
        self.serial = serial
        self.route = route
        self.hops = 0

    def next_stop(self) -> str:
        return self.route[self.hops % len(self.route)]


class Task:
    """Something that may run when its queue holds a packet."""

    def __init__(self, name: str, priority: int) -> None:
        self.name = name
        self.priority = priority
        self.queue: list[Packet] = []
        self.handled = 0

    @property
    def ready(self) -> bool:
        return bool(self.queue)

    def run(self, system: System) -> None:
        packet = self.queue.pop(0)
        self.handled += 1
        packet.hops += 1
        self.handle(packet, system)

    def handle(self, packet: Packet, system: System) -> None:
        raise NotImplementedError


class Worker(Task):
    """Passes each packet on, and now and then lets it fall."""

    def handle(self, packet: Packet, system: System) -> None:
        if packet.hops > 12:
            system.finish(packet)
        else:
            system.send(packet)


class Device(Task):
    """Holds packets back until it has three."""

    def __init__(self, name: str, priority: int) -> None:
        super().__init__(name, priority)
        self.held: list[Packet] = []

    def handle(self, packet: Packet, system: System) -> None:
        self.held.append(packet)
        if len(self.held) >= 3:
            for waiting in self.held:
                system.send(waiting)
            self.held.clear()


class System:
    """Runs the ready task of the highest priority until none is ready."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.order: list[Task] = []
        self.check = 0
        self.finished = 0

    def add(self, task: Task) -> None:
        self.tasks[task.name] = task
        self.order = sorted(self.tasks.values(), key=lambda task: -task.priority)

    def send(self, packet: Packet) -> None:
        self.tasks[packet.next_stop()].queue.append(packet)

    def finish(self, packet: Packet) -> None:
        self.finished += 1
        self.check = (self.check * 31 + packet.serial * packet.hops) % 1_000_003

    def run(self) -> None:
        while True:
            for task in self.order:
                if task.ready:
                    task.run(self)
                    break
            else:
                return


def main(packets: int) -> None:
    system = System()
    system.add(Worker("idle", 0))
    system.add(Worker("left", 5))
    system.add(Worker("right", 4))
    system.add(Device("disk", 2))
    system.add(Device("line", 3))
    routes = [["left", "disk", "right"], ["line", "idle", "left"], ["right", "line"]]
    for serial in range(packets):
        system.send(Packet(serial, routes[serial % 3]))
        system.run()
    handled = [task.handled for task in system.order]
    print(system.check, system.finished, handled)


if __name__ == "__main__":
    main(scaled(35_000))
