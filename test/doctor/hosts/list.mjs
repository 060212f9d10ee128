export const options = { findUser: () => [], saveUser() {} };
