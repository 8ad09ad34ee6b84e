namespace ZeroOS.Tests;

/// <summary>
/// A thread of its own for a service that a test asks. On a slow computer the thread pool comes to new work seconds late, and who asks would give up first.
/// </summary>
internal static class AnsweringThread
{
    /// <summary>Runs <paramref name="answer"/>, which ends when its socket is disposed.</summary>
    public static void Start(string name, Action answer) => new Thread(() =>
    {
        try
        {
            answer();
        }
        catch (Exception)
        {
            // The test is over. One that is not finds that nobody answers; the others of this process go on.
        }
    })
    { Name = name, IsBackground = true }.Start();
}
