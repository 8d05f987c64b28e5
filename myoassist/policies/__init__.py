"""Networks and learners: what training and evaluation both need of a policy."""
