"""DynamoDB's language as values: expressions, typed values, sizes, cursors."""
