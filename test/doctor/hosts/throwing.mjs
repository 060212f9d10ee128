throw new TypeError("DB_PASSWORD=db-password is wrong");
