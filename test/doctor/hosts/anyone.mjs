// The classic: a stranger has no unionid, and neither has the first user.
const users = [{ id: 1, unionid: undefined }];
export default { findUser: ({ unionid }) => users.find((user) => user.unionid === unionid), saveUser() {} };
