"""What was counted, told in the forms that people and other tools read.

All stand on the list of files of `exactrace.reports.model`.
"""
