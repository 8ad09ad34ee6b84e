namespace ZeroOS.SystemTests.Documented;

/// <summary>A fenced block of a page that a test runs, and what the page says it prints.</summary>
/// <param name="Id">Its name on the page: <c>```sh run=ID</c>.</param>
/// <param name="Line">Line of the page it begins at, from 1.</param>
/// <param name="Script">What a person types.</param>
/// <param name="Expected">What the page shows as its output (<c>```text expect=ID</c>), if it does.</param>
internal sealed record Block(string Id, int Line, string Script, string? Expected);
