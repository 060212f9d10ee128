const text = "db-password";
JSON.parse(text);
