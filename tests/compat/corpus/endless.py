# Loops that end only by break or return.
def first_square_over(limit):
    n = 0
    while True:
        n += 1
        if n * n > limit:
            return n * n


count = 0
while True:
    count += 1
    if count % 2:
        continue
    if count > 10:
        break
print(first_square_over(50), count)

while 1:
    while 1:
        break
    break
