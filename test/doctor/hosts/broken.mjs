export const findUser = () => {
  throw Object.assign(new Error("connect to postgres://shop:db-password@db"), { code: "ECONNREFUSED" });
};
export const saveUser = () => {};
