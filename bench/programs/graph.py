# SPDX-License-Identifier: Apache-2.0
"""Graphs: shortest ways, breadth and depth first, order of dependencies."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush

from _scale import scaled

Graph = dict[int, list[tuple[int, int]]]


def make_graph(size: int, seed: int) -> Graph:
    """Return a graph of `size` nodes, each with up to four ways out."""
    graph: Graph = {node: [] for node in range(size)}
    state = seed
    for node in range(size):
        for _ in range(4):
            state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
            target = (state >> 8) % size
            if target != node:
                graph[node].append((target, state % 50 + 1))
    return graph


def shortest(graph: Graph, start: int) -> dict[int, int]:
    """Return the length of the shortest way to each node (Dijkstra)."""
    distances: dict[int, int] = {}
    heap = [(0, start)]
    while heap:
        distance, node = heappop(heap)
        if node in distances:
            continue
        distances[node] = distance
        for target, length in graph[node]:
            if target not in distances:
                heappush(heap, (distance + length, target))
    return distances


def levels(graph: Graph, start: int) -> int:
    """Return how many steps the farthest node is away."""
    seen = {start}
    queue = deque([(start, 0)])
    depth = 0
    while queue:
        node, depth = queue.popleft()
        for target, _ in graph[node]:
            if target not in seen:
                seen.add(target)
                queue.append((target, depth + 1))
    return depth


def components(graph: Graph) -> int:
    """Return the number of strongly connected parts (Kosaraju)."""
    order: list[int] = []
    seen: set[int] = set()
    for start in graph:
        stack = [(start, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((target, False) for target, _ in graph[node])
    back: dict[int, list[int]] = {node: [] for node in graph}
    for node, ways in graph.items():
        for target, _ in ways:
            back[target].append(node)
    parts = 0
    for start in reversed(order):
        if start in seen:
            parts += 1
            todo = [start]
            while todo:
                node = todo.pop()
                if node in seen:
                    seen.remove(node)
                    todo.extend(back[node])
    return parts


def main(rounds: int) -> None:
    check = 0
    for seed in range(rounds):
        graph = make_graph(300, seed)
        distances = shortest(graph, seed % 300)
        check += sum(distances.values()) + levels(graph, 0) * 7 + components(graph)
    print(check)


if __name__ == "__main__":
    main(scaled(220))
