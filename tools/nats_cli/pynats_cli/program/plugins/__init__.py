"""Plugins: programs that add commands of their own at the top of ours."""
