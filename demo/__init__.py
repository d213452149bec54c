"""`make demo`: a real data set through the whole system, on this machine."""
