"""Doc
string."""
def f(x):
	r'doc' 'more'
	return f"{x!r:>{len('}')}} {{ {f'{x["a"]}'}", rb'\'', f'\N{DIGIT ONE}'
class A:  # comment
    \
    '''a
b'''
    x = [1,
'no'] + \
  t'{x:%H:%M}'
