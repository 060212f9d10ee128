import { expect } from "chai";
import { fillInOf } from "../../lib/profile/fill-in.ts";

describe("what a user fills in", () => {
  const number = { phoneNumber: "1", purePhoneNumber: "1", countryCode: "86" };
  const identity = { appId: "wx1", openid: "o1" };
  const asked: string[] = [];
  const { fillIn } = fillInOf({
    checkContent: undefined,
    onReview: async () => true,
    phoneNumber: async (code, openid) => {
      asked.push(`${code} of ${openid}`);
      return number;
    },
  });

  it("is nothing where nothing is filled in: no phone number is looked up", async () => {
    expect(await fillIn({}, identity)).to.deep.equal({});
    expect(asked).to.deep.equal([]);
  });

  it("is the nickname and the number behind the code, once for a code", async () => {
    expect(await fillIn({ nickName: "Ada", phoneCode: "c" }, identity)).to.deep.equal({
      nickName: "Ada",
      phoneCode: "c",
      ...number,
    });
    expect(await fillIn({ nickName: "Ada", phoneCode: "c" }, identity, "c")).to.deep.equal({
      nickName: "Ada",
    });
    expect(asked).to.deep.equal(["c of o1"]);
  });
});
