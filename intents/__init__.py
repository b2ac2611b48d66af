"""Language: text to Reading, without network, database or model."""
