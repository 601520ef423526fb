"""Everywhere else people look, shown: three forms in every service, a drill, a week's report."""
