namespace ZeroOS.Tests.Repository.Limits;

/// <summary>
/// One thing that an outsider can multiply, and what bounds it: a row of docs/limits.md. <paramref name="Constant"/> lists the constants that hold the numbers,
/// as Type.Member or Type; <paramref name="Test"/> the test that reaches the limit, as Class.Method or Class, or "-" where there is none.
/// </summary>
internal sealed record Limit(string What, string Who, string PerOwner, string InSum, string AtLimit, string Constant, string Test);
