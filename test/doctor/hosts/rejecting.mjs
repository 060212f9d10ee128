throw "db-password";
