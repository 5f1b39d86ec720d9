"""Whether the tables agree: the rules, and the job that reads them part by part."""
