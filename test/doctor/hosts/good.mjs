export const findUser = async () => undefined;
export const saveUser = () => {};
