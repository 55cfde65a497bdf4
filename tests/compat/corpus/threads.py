# threads, one after another: what they do is the same each time
import threading

results = []


def work(n):
    for i in range(n):
        results.append(step(i))


def step(i):
    if i % 2:
        return i
    return -i


class Worker(threading.Thread):
    def run(self):
        work(2)


for n in (3, 4):
    thread = threading.Thread(target=work, args=(n,))
    thread.start()
    thread.join()
worker = Worker()
worker.start()
worker.join()
print(results)
lock = threading.Lock()
with lock:
    print(lock.locked())
