"""The whole job on the shipped bags: real nodes in their own processes, a table and pictures."""
