export const findUser = () => Promise.reject("db-password");
export const saveUser = () => {};
