# reads standard input, writes to both outputs
import sys

for line in sys.stdin:
    sys.stdout.write(line.upper())
else:
    print("end of input")
print("to stderr", file=sys.stderr)
sys.stderr.write("no newline")
