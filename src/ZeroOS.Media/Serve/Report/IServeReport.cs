namespace ZeroOS.Media.Serve.Report;

/// <summary>Who is told what happens while images are served; called from several threads.</summary>
internal interface IServeReport
{
    /// <summary>One thing that happened. Its texts are a stranger's: whoever shows them cleans them.</summary>
    void Say(BootEvent what);

    /// <summary>Keeps a view of <paramref name="watch"/> up to date until cancelled.</summary>
    Task RunAsync(BootWatch watch, CancellationToken cancellation);
}
