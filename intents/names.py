"""The names of the inventory, as sentences use them. (First cut: see `spans` and `Names`.)"""
