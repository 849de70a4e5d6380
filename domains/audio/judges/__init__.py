"""Networks with weights of their own, which no training of ours has seen: who speaks, how well, and in which words."""
