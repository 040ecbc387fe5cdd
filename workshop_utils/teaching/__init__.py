"""What only the notebooks use: checks of exercises, what layers respond to, recorded runs.

May import everything but `cli`.
"""
