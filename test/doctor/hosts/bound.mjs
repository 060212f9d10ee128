// Whoever has a unionid is taken for somebody else who has one.
const users = [{ id: 1, unionid: "u1" }];
export const findUser = ({ unionid }) => users.find((user) => unionid && user.unionid);
export const saveUser = () => {};
