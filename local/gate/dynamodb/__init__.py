"""What DynamoDB refuses in a request. The engine lets most of it pass, and so does moto."""
