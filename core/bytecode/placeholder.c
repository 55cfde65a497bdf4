typedef int xt_placeholder;
