namespace ZeroOS.Client.Attestation;

/// <summary>One line of a report.</summary>
/// <param name="Check">What was looked at, one word or two.</param>
/// <param name="Verdict">What came of it.</param>
/// <param name="Says">A sentence without its full stop.</param>
/// <param name="Reason">Why it fails: one of <see cref="Reasons"/>.</param>
public sealed record Finding(string Check, Verdict Verdict, string Says, string? Reason = null);
