export const findUser = () => new Promise(() => {});
export const saveUser = () => {};
