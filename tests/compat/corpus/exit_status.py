# ends by SystemExit with a status
print("ends with a status")
try:
    raise SystemExit(3)
finally:
    print("after all")
