export const findUser = () => undefined;
