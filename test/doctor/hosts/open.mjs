// As an open connection to a database.
setInterval(() => {}, 1000);
export const findUser = async () => undefined;
export const saveUser = () => {};
