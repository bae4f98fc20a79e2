/** The calls by which accounts are made, entered and changed, on top of what a device asks of the server. */
import {
  type AccountAnswer,
  accountAnswer,
  type AccountRequest,
  accountRequest,
  type CodeAnswer,
  codeAnswer,
  type DeviceAnswer,
  deviceAnswer,
  type DeviceRequest,
  deviceRequest,
  type FinishAnswer,
  finishAnswer,
  type FinishRequest,
  finishRequest,
  type PasswordChangeAnswer,
  passwordChangeAnswer,
  type PasswordChangeRequest,
  passwordChangeRequest,
  type PasswordProvenAnswer,
  passwordProvenAnswer,
  type PasswordStartAnswer,
  passwordStartAnswer,
  type PasswordStartRequest,
  passwordStartRequest,
  type RegistrationAnswer,
  registrationAnswer,
  registrationRequest,
  secondFactorRequest,
  type SignInAnswer,
  signInAnswer,
  signInRequest,
  type SignUpAnswer,
  signUpAnswer,
} from "../protocol/api.ts";
import { encode, type Schema } from "../protocol/codec.ts";
import {
  type Api,
  type ApiOptions,
  type ApiResult,
  HttpEngineApi,
  type SignUpForm,
} from "./transport.ts";

export function createApi(options: ApiOptions): Api {
  return new HttpApi(options);
}

class HttpApi extends HttpEngineApi implements Api {
  async signUp(form: SignUpForm): Promise<ApiResult<SignUpAnswer>> {
    return this.keep(await this.#form("/sign-up", { ...form }, signUpAnswer));
  }

  confirm(code: string): Promise<ApiResult<CodeAnswer>> {
    return this.#form("/sign-up/code", { code }, codeAnswer);
  }

  async resend(): Promise<ApiResult<SignUpAnswer>> {
    return this.keep(await this.#form("/sign-up/resend", {}, signUpAnswer));
  }

  registerPassword(request: string): Promise<ApiResult<RegistrationAnswer>> {
    const body = encode(registrationRequest, { request });
    return this.post("/sign-up/password", body, registrationAnswer);
  }

  async createAccount(request: AccountRequest): Promise<ApiResult<AccountAnswer>> {
    const body = encode(accountRequest, request);
    return this.keep(await this.post("/sign-up/account", body, accountAnswer));
  }

  signIn(username: string, request: string): Promise<ApiResult<SignInAnswer>> {
    return this.post("/sign-in", encode(signInRequest, { username, request }), signInAnswer);
  }

  async finishSignIn(request: FinishRequest): Promise<ApiResult<FinishAnswer>> {
    const body = encode(finishRequest, request);
    return this.keep(await this.post("/sign-in/finish", body, finishAnswer));
  }

  async secondFactor(code: string): Promise<ApiResult<FinishAnswer>> {
    const body = encode(secondFactorRequest, { code });
    return this.keep(await this.post("/sign-in/second-factor", body, finishAnswer));
  }

  async addDevice(request: DeviceRequest): Promise<ApiResult<DeviceAnswer>> {
    const body = encode(deviceRequest, request);
    return this.keep(await this.post("/sign-in/device", body, deviceAnswer));
  }

  startPasswordChange(request: PasswordStartRequest): Promise<ApiResult<PasswordStartAnswer>> {
    const body = encode(passwordStartRequest, request);
    return this.post("/settings/password/start", body, passwordStartAnswer);
  }

  provePassword(request: FinishRequest): Promise<ApiResult<PasswordProvenAnswer>> {
    const body = encode(finishRequest, request);
    return this.post("/settings/password/prove", body, passwordProvenAnswer);
  }

  async changePassword(request: PasswordChangeRequest): Promise<ApiResult<PasswordChangeAnswer>> {
    const body = encode(passwordChangeRequest, request);
    return this.keep(await this.post("/settings/password/change", body, passwordChangeAnswer));
  }

  #form<T>(
    path: string,
    fields: Readonly<Record<string, string>>,
    schema: Schema<T>,
  ): Promise<ApiResult<T>> {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const body = new URLSearchParams(fields).toString();
    return this.send({ method: "POST", path, headers, body }, schema);
  }
}
