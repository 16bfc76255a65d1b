"""The OneRoster 1.2 CSV binding: sets of files in a zip, written and read. It knows no mirror."""
