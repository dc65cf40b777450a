"""Plug-ins for other people's trainers: each needs that trainer and ``algos``, and nothing else of this package."""
