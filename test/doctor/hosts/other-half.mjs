export default { saveUser() {} };
