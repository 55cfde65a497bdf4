# code that dataclasses and others generate; imported, since in the standard
# module `__main__` is not the program, and generated code looks there
import generated_code

print(generated_code.Item("plum").label)
