namespace ZeroOS.Tests.Fuzz;

/// <summary>What came of playing new inputs.</summary>
/// <param name="Played">Inputs that found nothing.</param>
/// <param name="Taken">Those of them that were not refused.</param>
/// <param name="Input">The one that failed.</param>
/// <param name="Failure">What it threw.</param>
public sealed record FuzzResult(int Played, int Taken, byte[]? Input, Exception? Failure);
