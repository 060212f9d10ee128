export const findUsers = () => undefined;
export const saveUser = {};
