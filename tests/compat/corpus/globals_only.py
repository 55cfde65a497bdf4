# statements at the level of the module only
a = 1
b = a + 1; c = b + 1
a, b = b, a
a += 1
b -= 1; b *= 2
c **= 2
c //= 3
c |= 8
c <<= 1
d = a if b else c
e = {"key": [1, 2]}
e["key"][0] += 5
e["other"], f = 1, 2
pass
...
"a string that is a statement"
1 + 1
print(a, b, c, d, e, f)
g = h = []
g.append(1)
print(h)
