"""What an annotation file says of a genome, read and made into a label of each base."""
