# while and for, with break, continue and else
total = 0
for i in range(5):
    if i == 3:
        continue
    total += i
else:
    total += 100
print(total)

for i in range(10):
    if i == 4:
        break
else:
    print("not here")

n = 7
while n > 1:
    n -= 1
    if n == 5:
        continue
    if n == 2:
        break
else:
    print("not here either")

while n:
    n -= 1
else:
    print("n is", n)

for _ in []:
    print("empty")
else:
    print("empty is done")

for a, (b, *c) in [(1, (2, 3, 4)), (5, (6,))]:
    print(a, b, c)

for i in range(3):
    for j in range(3):
        if j == i:
            break
        print(i, j)
    else:
        continue
    if i == 2:
        break
