namespace ZeroOS.Bus.Farm;

/// <summary>Why a threshold document is not carried out.</summary>
/// <param name="Message">A sentence without its subject, which is the document.</param>
/// <param name="LacksSignatures">It is well, but for owners who have not signed.</param>
public sealed record ThresholdFault(string Message, bool LacksSignatures);
